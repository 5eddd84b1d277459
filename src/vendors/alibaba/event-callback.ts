import { withoutTrailing } from '../../domain/text.js';
import type { EventCallback, ExpectedCallback, Finding } from '../event-callback.js';
import { Fields } from '../readers.js';

const OPERATION = 'GetEventCallback';

/** The whole answer (protocol sheet, section 1.2). `AuthKey` stands in it in clear: it is compared, never passed on. */
type Setting = {
  type: 'HTTP' | 'MNS' | null;
  /** As it came: the vendor signs these very bytes. */
  url: string;
  queueName: string | null;
  events: string[];
  authSwitch: boolean;
  authKey: string | null;
};

/**
 * The callback setting of an account in one region. Jobs that carry a NotifyAddress call back without it, so a
 * difference is something to know, not a failure.
 */
export const imsEventCallback: EventCallback = {
  operation: OPERATION,
  query: { action: OPERATION, parameters: {} },
  compare(document, expected) {
    const answer = Fields.of(document);
    const setting = readSetting(answer);
    if (setting.type === null) return [unset(expected)];
    if (setting.type === 'MNS') return [queue(setting)];
    return [address(setting, expected), ...events(setting, expected), authentication(setting, expected)];
  },
};

function readSetting(answer: Fields): Setting {
  const { CallbackURL: url, EventTypeList: list } = answer.value;
  const queueName = answer.text('CallbackQueueName');
  const address = typeof url === 'string' ? url : '';
  const said = answer.text('CallbackType')?.toUpperCase();
  // Answers of older versions have no CallbackType.
  const guessed = address !== '' ? 'HTTP' : queueName !== null ? 'MNS' : null;
  return {
    type: said === 'HTTP' || said === 'MNS' ? said : guessed,
    url: address,
    queueName,
    events: (Array.isArray(list) ? list.map(String) : (answer.text('EventTypeList') ?? '').split(',')).map((name) =>
      name.trim(),
    ),
    authSwitch: answer.text('AuthSwitch')?.toLowerCase() === 'on',
    authKey: answer.text('AuthKey'),
  };
}

const right = (text: string): Finding => ({ ok: true, text });
const wrong = (text: string): Finding => ({ ok: false, text });

function unset(expected: ExpectedCallback): Finding {
  return wrong(
    `nothing is set for the account: only jobs that carry a NotifyAddress call back, and ` +
      `${kindsOf(cannotCarry(expected))} cannot carry one. SetEventCallback with our URL makes them call back`,
  );
}

function queue({ queueName }: Setting): Finding {
  return wrong(
    `CallbackType is MNS${queueName === null ? '' : `, queue ${queueName}`}: Callsheet does not read queues, so only jobs ` +
      `that carry a NotifyAddress call back here`,
  );
}

function address({ url }: Setting, { urls }: ExpectedCallback): Finding {
  const bytes = Buffer.byteLength(url);
  if (urls.includes(url)) return right(`CallbackURL matches (${bytes} bytes)`);
  const ours = [...new Set(urls.map((each) => Buffer.byteLength(each)))].join(' or ');
  const differs = `CallbackURL does not match (it has ${bytes} bytes, ours ${ours})`;
  if (url === '') return wrong('CallbackURL is empty: SetEventCallback with our URL');
  if (urls.includes(withoutTrailing(url.trim(), '/'))) return wrong(`${differs}: blanks or a slash around it`);
  if (urls.some((each) => url.startsWith(each.slice(0, each.lastIndexOf('/') + 1)))) {
    return wrong(`${differs}: its token is not one of callback.tokens, and such callbacks are answered 404`);
  }
  // Whatever follows the host may be somebody's secret.
  return wrong(`${differs}: it leads to ${URL.canParse(url) ? new URL(url).origin : 'no address'}`);
}

function events({ events: sent }: Setting, expected: ExpectedCallback): Finding[] {
  const all = expected.apis.flatMap(eventsOf);
  const missing = all.filter((event) => !sent.includes(event));
  if (missing.length === 0) return [right(`EventTypeList has all ${all.length} events`)];
  const dependent = cannotCarry(expected).filter((api) => eventsOf(api).some((event) => missing.includes(event)));
  const needed = dependent.flatMap(eventsOf).filter((event) => missing.includes(event));
  const others = missing.filter((event) => !needed.includes(event));
  return [
    ...(needed.length === 0
      ? []
      : [
          wrong(
            `EventTypeList lacks ${needed.join(', ')}: ${kindsOf(dependent)} cannot carry a NotifyAddress, so without ` +
              `these events they do not call back`,
          ),
        ]),
    ...(others.length === 0
      ? []
      : [
          wrong(`EventTypeList lacks ${others.join(', ')}: these call back only where the job carries a NotifyAddress`),
        ]),
  ];
}

function authentication(setting: Setting, { authKeys, signature }: ExpectedCallback): Finding {
  const { authSwitch, authKey } = setting;
  if (!authSwitch && authKeys.length === 0) return right('AuthSwitch is off, as no authKeys are configured');
  if (!authSwitch) {
    const unsigned = signature === 'required' ? 'are answered 401' : 'are taken on their token alone';
    return wrong(`AuthSwitch is off, though authKeys are configured: callbacks come unsigned and ${unsigned}`);
  }
  if (authKeys.length === 0) {
    return wrong('AuthSwitch is on, but no authKeys are configured: signatures are not looked at');
  }
  if (authKey !== null && authKeys.includes(authKey)) return right('AuthSwitch is on, AuthKey matches');
  return wrong('AuthKey does not match any of callback.authKeys: signed callbacks are answered 401');
}

function eventsOf({ callback }: ExpectedCallback['apis'][number]): readonly string[] {
  return callback?.events ?? [];
}

/** Kinds whose jobs have no callback address of their own. */
function cannotCarry({ apis }: ExpectedCallback) {
  return apis.filter((api) => !api.callbackExpected && eventsOf(api).length > 0);
}

function kindsOf(apis: ExpectedCallback['apis']): string {
  const names = apis.map((api) => api.name.slice(api.name.indexOf('/') + 1));
  return `${new Intl.ListFormat('en').format(names)} jobs`;
}
