// One file a capability, so that its suites load the program once (CONTRIBUTING.md, Tests).
import './database/migrations.suite.js';
import './database/retention.suite.js';
import './database/query-plans.suite.js';
import './database/replay.suite.js';
