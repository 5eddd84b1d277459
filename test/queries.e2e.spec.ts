// One file a capability, so that its suites load the program once (CONTRIBUTING.md, Tests).
import './queries/queries.suite.js';
import './queries/access.suite.js';
import './queries/openapi.suite.js';
