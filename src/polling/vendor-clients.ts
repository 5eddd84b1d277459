import { Injectable } from '@nestjs/common';
import { CurrentSettings } from '../settings/current-settings.js';
import type { Account } from '../settings/settings.js';
import { ImsClient } from '../vendors/alibaba/ims-client.js';

/** The client of each account with credentials, made when first needed and again when the configuration changes. */
@Injectable()
export class VendorClients {
  private readonly clients = new Map<string, { account: Account; client: ImsClient }>();

  constructor(private readonly settings: CurrentSettings) {}

  /** null: there is no such account, or it has no credentials. */
  of(accountName: string): ImsClient | null {
    const account = this.settings.account(accountName);
    if (!account?.credentials) return null;
    const known = this.clients.get(accountName);
    if (known?.account === account) return known.client;
    const client = new ImsClient(account.endpoint, account.region, account.credentials);
    this.clients.set(accountName, { account, client });
    return client;
  }
}
