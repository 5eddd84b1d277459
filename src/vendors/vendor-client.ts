/** What one HTTP request to a vendor asks: an action's name or a path, as the vendor's client takes it. */
export type VendorQuery = { action: string; parameters: Record<string, string | readonly string[]> };

/** An answer of a vendor: its status, and its body as near to the wire as the client lets us have it. */
export type VendorAnswer = { httpStatus: number; body: Buffer };

/** Where and as whom a vendor is called. */
export type Connection = {
  /** `https://host`, without a slash at the end. */
  endpoint: string;
  region: string;
  credentials: { accessKeyId: string; accessKeySecret: string };
  /** Huawei Cloud alone has it. */
  projectId: string | null;
  proxies: Proxies;
  /** How long the vendor may be silent; left out: `SILENCE_MS`. */
  silenceMs?: number;
};

/** The proxies of the environment, as `http://[user:password@]host:port`; null: there is none for this scheme. */
export type Proxies = {
  http: string | null;
  https: string | null;
  /** NO_PROXY: hosts that are reached without one, separated by commas; `*` is all of them. */
  except: string;
};

/** Calls one vendor as one account, signed. */
export interface VendorClient {
  /** Resolves with an answer about jobs, "no such job" included; rejects with a `VendorError` for everything else. */
  call(query: VendorQuery): Promise<VendorAnswer>;
  /** How far our clock is ahead of the vendor's, in ms, by the `Date` of any answer; null when there is none. */
  clockSkewMs(): Promise<number | null>;
}
