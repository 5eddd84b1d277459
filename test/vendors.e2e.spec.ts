// One file a capability, so that its suites load the program once (CONTRIBUTING.md, Tests).
import './vendors/huawei.suite.js';
import './vendors/batches.suite.js';
import './vendors/vendor-samples.suite.js';
import './vendors/proxy.suite.js';
