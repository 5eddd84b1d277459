// One file a capability, so that its suites load the program once (CONTRIBUTING.md, Tests).
import './program/check.suite.js';
import './program/reload.suite.js';
import './program/secrets.suite.js';
import './program/first-path.suite.js';
