// One file a capability, so that its suites load the program once (CONTRIBUTING.md, Tests).
import './delivery/deliveries.suite.js';
import './delivery/receivers.suite.js';
import './delivery/webhooks.suite.js';
import './delivery/whole-program.suite.js';
