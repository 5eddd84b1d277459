import { doorCounts, openAlerts } from './tracker-api.js';

it('counts what came through the doors', () => {
  const metrics = `# TYPE callsheet_callbacks_received_total counter
callsheet_callbacks_received_total{account="a",result="stored"} 7
callsheet_callbacks_received_total{account="b",result="stored"} 2
callsheet_callbacks_received_total{account="a",result="duplicate"} 3
callsheet_callbacks_received_total{account="unknown",result="refused"} 1
callsheet_vendor_calls_total{account="a",api="alibaba-ims/media-convert",result="ok"} 40
callsheet_vendor_calls_total{account="a",api="alibaba-ims/media-convert",result="throttled"} 2
callsheet_vendor_calls_total{account="b",api="alibaba-ims/media-producing",result="not_found"} 1
`;
  expect(doorCounts(metrics)).toEqual({ stored: 9, repeated: 3, refused: 1, answered: 40, unanswered: 3 });
});

it('counts the alerts that are open', () => {
  const metrics = `callsheet_alerts_open{rule="a",severity="warning",status="open"} 2
callsheet_alerts_open{rule="b",severity="critical",status="open"} 1
callsheet_alerts_open{rule="b",severity="critical",status="silenced"} 4
`;
  expect(openAlerts(metrics)).toBe(3);
});
