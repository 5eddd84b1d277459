// One file a capability, so that its suites load the program once (CONTRIBUTING.md, Tests).
import './queues/queue-store.suite.js';
import './queues/wakeups.suite.js';
import './queues/waiting-jobs.suite.js';
