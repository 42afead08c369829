/** Owns the body of `describe`. */
import type { ResultCode } from '../../errors.ts';
import { parseReference } from '../../model/reference.ts';
import { describe } from '../../ops/describe.ts';
import type { Description } from '../../ops/views.ts';
import { ageOf, writeListing } from '../output/listing.ts';
import { readDeps, type Session } from '../session.ts';
import { describeText } from './describe-text.ts';
import { warnInvalid } from './list.ts';

/** The reference of what is described. */
function referenceOf(description: Description): string {
  switch (description.kind) {
    case 'service':
      return `service/${description.service.name}`;
    case 'instance':
      return `${description.instance.service}/${description.instance.id}`;
    case 'node':
      return `node/${description.node.name}`;
  }
  return description satisfies never;
}

/** Describes each thing that is named. */
export async function describeBody(session: Session, words: readonly string[]): Promise<ResultCode> {
  const references = words.map(parseReference);
  const deps = await readDeps(session);
  const views = await Promise.all(
    references.map(async (reference) => describe(deps, reference, { signal: session.signal })),
  );
  for (const { invalid } of views) warnInvalid(session, invalid);
  await writeListing(session, {
    kind: 'DescriptionList',
    revision: Math.max(...views.map(({ revision }) => revision)),
    items: views.map(({ description }) => description),
    name: referenceOf,
    json: (item) => item,
    columns: [],
    text: () =>
      views
        .map(({ description }) =>
          describeText(description, { age: ageOf(session), palette: session.outPalette }),
        )
        .join('\n'),
  });
  return 'ok';
}
