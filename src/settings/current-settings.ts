import { redactor } from './redact.js';
import { secretsOf, type Account, type Settings } from './settings.js';

/** The settings in force. One object for the life of the program; what it holds may be replaced by a reload. */
export class CurrentSettings {
  private accountsByName!: Map<string, Account>;
  /** Secrets that were ever in force: what is stored may hold old ones, so they stay hidden as long as the program runs. */
  private readonly neverShown = new Set<string>();
  private readonly shownToAdmin = new Set<string>();
  /** Hides every secret: for logs, errors and answers below `admin`. */
  redact!: (text: string) => string;
  /** Hides what not even `admin` may see. */
  redactForAdmin!: (text: string) => string;

  constructor(private settings: Settings) {
    this.replace(settings);
  }

  get value(): Settings {
    return this.settings;
  }

  account(name: string): Account | undefined {
    return this.accountsByName.get(name);
  }

  /** Whether the vendor can be asked about the account's jobs; otherwise callbacks are all there is. */
  canAsk(account: string): boolean {
    return this.account(account)?.credentials != null;
  }

  /** In force from the next line of code on: nothing can come between. */
  replace(settings: Settings): void {
    const { never, adminOnly } = secretsOf(settings);
    for (const secret of never) this.neverShown.add(secret);
    for (const secret of adminOnly) this.shownToAdmin.add(secret);
    this.settings = settings;
    this.accountsByName = new Map(settings.accounts.map((account) => [account.name, account]));
    this.redact = redactor([...this.neverShown, ...this.shownToAdmin]);
    this.redactForAdmin = redactor([...this.neverShown]);
  }
}
