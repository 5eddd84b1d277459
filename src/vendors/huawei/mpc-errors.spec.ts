import { errorKindOf } from './mpc-errors.js';

describe('what an error of Huawei MPC means', () => {
  it.each([
    ['APIG.0308', 429, 'throttled'],
    ['APIGW.0308', 403, 'throttled'],
    ['', 429, 'throttled'],
    ['APIGW.0303', 401, 'clock'],
    ['APIGW.0301', 401, 'credentials'],
    ['APIG.0301', 401, 'credentials'],
    ['MPC.10203', 401, 'credentials'],
    ['MPC.10208', 400, 'credentials'],
    ['SomethingNew', 401, 'credentials'],
    ['SomethingNew', 403, 'forbidden'],
    ['APIG.0101', 404, 'forbidden'],
    ['MPC.10202', 400, 'refused'],
    ['MPC.10087', 406, 'refused'],
    ['MPC.10204', 400, 'refused'],
    ['MPC.10205', 400, 'refused'],
    ['SomethingNew', 400, 'refused'],
    ['SomethingNew', 404, 'refused'],
    ['MPC.10212', 500, 'transient'],
    ['', 502, 'transient'],
    ['constructor', 500, 'transient'],
  ])('%s with HTTP %i: %s', (code, status, kind) => {
    expect(errorKindOf(code, status)).toBe(kind);
  });
});
