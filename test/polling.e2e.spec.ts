// One file a capability, so that its suites load the program once (CONTRIBUTING.md, Tests).
import './polling/polling.suite.js';
import './polling/budgets.suite.js';
import './polling/rates.suite.js';
import './polling/lanes.suite.js';
import './polling/urgency.suite.js';
import './polling/full-calls.suite.js';
import './polling/huawei-polling.suite.js';
