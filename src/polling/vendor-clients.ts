import { Injectable } from '@nestjs/common';
import { CurrentSettings } from '../settings/current-settings.js';
import type { Account } from '../settings/settings.js';
import type { VendorClient } from '../vendors/vendor-client.js';
import { connect } from '../vendors/vendors.js';

/** The client of each account with credentials, made when first needed and again when the configuration changes. */
@Injectable()
export class VendorClients {
  private readonly clients = new Map<string, { account: Account; client: VendorClient }>();

  constructor(private readonly settings: CurrentSettings) {}

  /** null: there is no such account, or it has no credentials. */
  of(accountName: string): VendorClient | null {
    const account = this.settings.account(accountName);
    if (!account?.credentials) return null;
    const known = this.clients.get(accountName);
    if (known?.account === account) return known.client;
    const client = connect(account.vendor, {
      ...account,
      credentials: account.credentials,
      proxies: this.settings.value.proxies,
    });
    this.clients.set(accountName, { account, client });
    return client;
  }
}
