import { Injectable, type OnModuleInit } from '@nestjs/common';
import { Deliveries } from '../delivery/deliveries.js';
import { writeAlertEvents } from './alert-rows.js';

/** Puts into the history of an alert what became of the messages about it, in the transaction that settles them. */
@Injectable()
export class AlertLog implements OnModuleInit {
  constructor(private readonly deliveries: Deliveries) {}

  onModuleInit(): void {
    this.deliveries.onSettled('receiver', async (client, { channel, groupKey: alertId, status, detail }) => {
      const { rowCount } = await client.query({ text: 'SELECT FROM alerts WHERE id::text = $1', values: [alertId] });
      // A test message is about no alert.
      if (rowCount === 0) return;
      const receiver = channel.slice(channel.indexOf('/') + 1);
      await writeAlertEvents(client, [{ alertId, kind: status, receiver, detail }]);
    });
  }
}
