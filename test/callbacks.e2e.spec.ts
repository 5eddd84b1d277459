// One file a capability, so that its suites load the program once (CONTRIBUTING.md, Tests).
import './callbacks/callbacks.suite.js';
import './callbacks/callback-door.suite.js';
import './callbacks/overload.suite.js';
import './callbacks/evidence.suite.js';
import './callbacks/contracts.suite.js';
import './callbacks/callback-health.suite.js';
import './callbacks/stolen-callback.suite.js';
import './callbacks/database-trouble.suite.js';
