import { errorKindOf, isNotFoundAnswer } from './ims-errors.js';

describe('what an error of Alibaba IMS means', () => {
  it.each([
    ['Throttling', 400, 'throttled'],
    ['Throttling.User', 400, 'throttled'],
    ['InvalidAccessKeyId.NotFound', 404, 'credentials'],
    ['InvalidAccessKeyId.Inactive', 400, 'credentials'],
    ['SignatureDoesNotMatch', 403, 'credentials'],
    ['InvalidTimeStamp.Expired', 400, 'clock'],
    ['Forbidden.RAM', 403, 'forbidden'],
    ['InvalidApi.NotFound', 404, 'forbidden'],
    ['InvalidParameter.JobId', 400, 'refused'],
    ['InternalError', 500, 'transient'],
    ['ServiceUnavailable', 503, 'transient'],
    ['SomethingNew', 400, 'transient'],
    ['', 429, 'throttled'],
  ])('%s with HTTP %i: %s', (code, status, kind) => {
    expect(errorKindOf(code, status)).toBe(kind);
  });

  it('takes JobNotFound, and nothing else that is 404, for a missing job', () => {
    expect(isNotFoundAnswer({ Code: 'JobNotFound', Message: 'The specified job not found' })).toBe(true);
    expect(isNotFoundAnswer({ Code: 'InvalidApi.NotFound' })).toBe(false);
    expect(isNotFoundAnswer({ Job: { Code: 'JobNotFound' } })).toBe(false);
  });
});
