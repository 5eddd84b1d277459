// One file a capability, so that its suites load the program once (CONTRIBUTING.md, Tests).
import './alerts/alerts.suite.js';
import './alerts/alert-claims.suite.js';
import './alerts/figure-rules.suite.js';
import './alerts/notifications.suite.js';
