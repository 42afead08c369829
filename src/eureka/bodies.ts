/**
 * Owns the bodies that clients fetch, as JSON or XML, text by text, so that whoever sends many instances may do other things in between. What
 * does not change is made once: the JSON of an instance stays with its registration. Pure but for what it keeps.
 */
import type { RegisteredStatus, Registration } from '../model/registration.ts';
import type { App } from '../registry/catalog.ts';
import type { RecentChange, RegistryAction } from '../registry/recent.ts';
import { hashCode } from './hash-code.ts';
import { instanceTree, type Tree } from './instance-tree.ts';
import { xmlElement } from './xml-text.ts';

/** How a body is written. */
export type BodyForm = 'json' | 'xml';

type Counts = ReadonlyMap<RegisteredStatus, number>;
type Texts = Generator<string, undefined>;

/** What stands before, between and after the apps of a body of many. */
export interface Around {
  readonly head: string;
  readonly separator: string;
  readonly tail: string;
}

/** Writes bodies; texts are to be joined. */
export interface Bodies {
  /** @param counts those of all, also where only some are in the body */
  readonly around: (counts: Counts) => Around;
  /** One app as it stands in a body of many. */
  readonly app: (app: App) => Texts;
  /** Changes, by app in order of names. */
  readonly delta: (changes: readonly RecentChange[], counts: Counts) => Texts;
  /** One app as a body. */
  readonly application: (app: App) => Texts;
  readonly instance: (registration: Registration) => string;
}

/** The reference server counts its deltas; clients read the number and do nothing with it. */
const DELTA_VERSION = '1';

/** An instance of an app's list. */
interface Line {
  readonly registration: Registration;
  readonly action: RegistryAction;
}

/** Changes by app, in order of names. */
function byApp(changes: readonly RecentChange[]): readonly (readonly [string, readonly Line[]])[] {
  const groups = new Map<string, Line[]>();
  for (const change of changes) {
    const group = groups.get(change.registration.app) ?? [];
    groups.set(change.registration.app, group);
    group.push(change);
  }
  return [...groups].toSorted(([a], [b]) => (a < b ? -1 : 1));
}

const linesOf = ({ instances }: App): readonly Line[] =>
  instances.map(({ registration }) => ({ registration, action: 'ADDED' }));

/** Writes one app; the form's own. */
type WriteApp = (name: string, lines: readonly Line[]) => Texts;

/** What both forms do alike. */
function bodiesOf(writeApp: WriteApp, around: Bodies['around']): Pick<Bodies, 'around' | 'app' | 'delta'> {
  return {
    around,
    app: (app) => writeApp(app.name, linesOf(app)),
    delta: function* (changes, counts) {
      const { head, separator, tail } = around(counts);
      yield head;
      for (const [index, [name, lines]] of byApp(changes).entries()) {
        if (index > 0) yield separator;
        yield* writeApp(name, lines);
      }
      yield tail;
      return undefined;
    },
  };
}

/** The last field of an instance: what changes while the instance does not. */
const actionField = (action: RegistryAction): string => `"actionType":"${action}"}`;

function jsonBodies(): Bodies {
  /** Texts without their last field. */
  const known = new WeakMap<Registration, string>();
  const textOf = ({ registration, action }: Line): string => {
    let text = known.get(registration);
    if (text === undefined) {
      text = JSON.stringify(instanceTree(registration, 'ADDED')).slice(0, -actionField('ADDED').length);
      known.set(registration, text);
    }
    return text + actionField(action);
  };
  function* writeApp(name: string, lines: readonly Line[]): Texts {
    yield `{"name":${JSON.stringify(name)},"instance":[`;
    for (const [index, line] of lines.entries()) yield index === 0 ? textOf(line) : `,${textOf(line)}`;
    yield ']}';
    return undefined;
  }
  const common = bodiesOf(writeApp, (counts) => ({
    head: `{"applications":{"versions__delta":"${DELTA_VERSION}","apps__hashcode":"${hashCode(counts)}","application":[`,
    separator: ',',
    tail: ']}}',
  }));
  return {
    ...common,
    application: function* (app) {
      yield '{"application":';
      yield* common.app(app);
      yield '}';
      return undefined;
    },
    instance: (registration) => JSON.stringify({ instance: instanceTree(registration, 'ADDED') }),
  };
}

/** With the one field that XML writes otherwise. */
function xmlInstance({ registration, action }: Line): Tree {
  const { overriddenStatus, ...rest } = instanceTree(registration, action);
  return { ...rest, overriddenstatus: overriddenStatus };
}

function* writeXmlApp(name: string, lines: readonly Line[]): Texts {
  yield `<application>${xmlElement('name', name)}`;
  for (const line of lines) yield xmlElement('instance', xmlInstance(line));
  yield '</application>';
  return undefined;
}

const XML_COMMON = bodiesOf(writeXmlApp, (counts) => ({
  head: `<applications>${xmlElement('versions__delta', DELTA_VERSION)}${xmlElement('apps__hashcode', hashCode(counts))}`,
  separator: '',
  tail: '</applications>',
}));

const XML_BODIES: Bodies = {
  ...XML_COMMON,
  application: XML_COMMON.app,
  instance: (registration) => xmlElement('instance', xmlInstance({ registration, action: 'ADDED' })),
};

/** Writers of both forms. */
export function createBodies(): Readonly<Record<BodyForm, Bodies>> {
  return { json: jsonBodies(), xml: XML_BODIES };
}
