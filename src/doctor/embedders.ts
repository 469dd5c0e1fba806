/** Whether each collection's model is at hand. Pure. */
import type { Collection } from '../model.js';
import { modelVersion, pinDifferences } from '../pin.js';
import { ok, problem, warning } from './types.js';
import type { EmbedderState, Finding } from './types.js';

/** Whether the collection's pin is what its embedder is here. */
export function pinFinding({ name, generation }: Collection, state: EmbedderState): Finding {
  const area = `collection ${name}`;
  const pinned = modelVersion(generation.pin);
  if (state.pin === null) {
    return problem(
      area,
      `Its embedder "${generation.embedder}" is not known here`,
      'Use the Plumbline with which it was made.',
    );
  }
  const differing = pinDifferences(generation.pin, state.pin);
  if (differing.length === 0) return ok(area, `Pinned to ${pinned}, which is at hand`);
  return problem(
    area,
    `Pinned to ${pinned}; the embedder here is ${modelVersion(state.pin)} and differs in ${differing.join(', ')}`,
    'Use the Plumbline with which it was made, or make a new collection with the model at hand.',
  );
}

export function modelFinding({ name, files }: EmbedderState): Finding {
  const area = `model ${name}`;
  switch (files) {
    case 'present':
      return ok(area, 'Its files are here, and are the pinned ones');
    case 'remote':
      return ok(area, 'It answers');
    case 'missing':
      return warning(
        area,
        'Its files are not here; they are fetched at the first use',
        'Where there is no network, put them into a folder and name it in PLUMBLINE_MODEL_DIR.',
      );
    case 'corrupt':
      return problem(
        area,
        'A file of it is not the pinned one',
        'Remove the file, so that it is fetched again.',
      );
    default:
      return files satisfies never;
  }
}
