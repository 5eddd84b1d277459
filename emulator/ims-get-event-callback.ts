import type { ImsOperation } from './ims-operations.js';

/** GetEventCallback: the settings of the whole account, its key in clear among them (sheet section 1.2). */
export const getEventCallback: ImsOperation = ({ account: { eventCallback, callbackAuthKey } }) => {
  const { type, url, queueName, events = [], authSwitch } = eventCallback ?? {};
  const settings = {
    CallbackType: type ?? (queueName === undefined ? 'HTTP' : 'MNS'),
    CallbackURL: url ?? '',
    EventTypeList: events.join(','),
    AuthSwitch: authSwitch ?? (callbackAuthKey === undefined ? 'off' : 'on'),
    AuthKey: callbackAuthKey ?? '',
    CallbackQueueName: queueName ?? '',
  };
  if (eventCallback) return settings;
  return Object.fromEntries(Object.keys(settings).map((name) => [name, '']));
};
