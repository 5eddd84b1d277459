import type pg from 'pg';
import type { Observation } from '../domain/observation.js';
import type { JobEvent } from '../domain/transition.js';
import { contractChanges } from '../vendors/contract.js';
import { apiNamed } from '../vendors/registry.js';
import { writeContractChanges, type ContractChangeWrite } from './statements.js';

/** A vendor that sent ever new fields would otherwise fill the memory. */
const MOST_KNOWN = 10_000;

/** An event for the history of the job whose answer showed a change first. */
export type ContractEvent = { jobId: string; receiptId: string; event: JobEvent };

/** Watches vendors' answers for departures from their documentation, and tells each once for an API, whoever sees it. */
export class ContractWatch {
  /** What is told already, by this process or another: nearly every answer ends here. */
  private readonly known = new Set<string>();

  /**
   * The changes that nobody has told yet, as events. `committed` is to be called once the transaction has been: what was
   * told in one that failed is still to be told.
   */
  async events(
    client: pg.ClientBase,
    seen: { api: string; jobId: string; observation: Observation }[],
  ): Promise<{ events: ContractEvent[]; committed: () => void }> {
    const rows = new Map<string, ContractChangeWrite>();
    for (const { api, jobId, observation } of seen) {
      for (const { change, place } of changesIn(api, observation)) {
        const key = keyOf({ api, change, place });
        if (this.known.has(key) || rows.has(key)) continue;
        rows.set(key, { api, change, place, job_id: jobId, receipt_id: observation.receiptId });
      }
    }
    const fresh = await writeContractChanges(client, [...rows.values()]);
    const events = fresh.flatMap((told): ContractEvent[] => {
      const row = rows.get(keyOf(told));
      return row ? [{ jobId: row.job_id, receiptId: row.receipt_id, event: eventOf(row) }] : [];
    });
    const committed = () => {
      if (this.known.size > MOST_KNOWN) this.known.clear();
      for (const key of rows.keys()) this.known.add(key);
    };
    return { events, committed };
  }
}

/** Callbacks are hardly documented, and listings leave out what they like: only answers can break their word. */
function changesIn(api: string, { kind, seen }: Observation) {
  const contract = apiNamed(api)?.contract;
  return contract && kind === 'evidence' && seen.found && !seen.partsOnly ? contractChanges(contract, seen) : [];
}

function keyOf({ api, change, place }: { api: string; change: string; place: string }): string {
  return `${api}\n${change}\n${place}`;
}

function eventOf({ api, change, place }: ContractChangeWrite): JobEvent {
  return { kind: 'contract.changed', subjobPath: null, from: null, to: place, detail: { api, change, place } };
}
