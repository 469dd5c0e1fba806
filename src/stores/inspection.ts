/** What a look into a backend finds: facts without judgement, and never a secret. Null: it could not be seen. */
import type { CallOptions } from './port.js';

/** Whether something can be done, and the server's code where it cannot. */
export type Permission = { readonly allowed: true } | { readonly allowed: false; readonly code: string };

/** Versions of the schema: those that were applied, and the newest that this Plumbline knows. */
export interface SchemaState {
  /** Null: Plumbline has not been here yet. */
  readonly applied: number | null;
  readonly known: number;
}

export interface IndexState {
  readonly collection: string;
  readonly kind: string;
  readonly chunks: number | null;
  /** Whether the approximate index is there and whole; `read_only`: the server takes no writes for it. */
  readonly state: 'ready' | 'not_built' | 'broken' | 'read_only';
  readonly bytes: number | null;
}

export interface PostgresInspection {
  readonly kind: 'postgresql' | 'pglite';
  readonly version: string;
  /** As `server_version_num`: 150008. */
  readonly versionNumber: number;
  readonly extension: {
    readonly installed: string | null;
    readonly available: string | null;
    /** What the installed version, or else the one that can be had, lets Plumbline do. */
    readonly features: {
      readonly supported: boolean;
      readonly iterativeScan: boolean;
      readonly parallelBuild: boolean;
    } | null;
  };
  readonly schema: SchemaState;
  readonly settings: {
    readonly maintenanceWorkMemBytes: number;
    readonly sharedBuffersBytes: number;
    readonly workMemBytes: number;
    readonly maxConnections: number;
    readonly reservedConnections: number;
    /** Of the role; null where it has none. */
    readonly roleConnections: number | null;
  };
  readonly indexes: readonly IndexState[];
}

export interface OpenSearchInspection {
  readonly kind: 'opensearch';
  readonly version: string;
  readonly distribution: string;
  /** The k-NN plugin's version; null where there is none or it could not be seen. */
  readonly plugin: string | null;
  readonly engine: string;
  readonly health: string | null;
  readonly dataNodes: number | null;
  readonly shards: { readonly used: number; readonly most: number } | null;
  readonly heap: readonly { readonly usedPercent: number; readonly maxBytes: number }[] | null;
  readonly disk: readonly { readonly usedPercent: number }[] | null;
  readonly watermarks: { readonly low: string; readonly high: string; readonly floodStage: string } | null;
  readonly circuitBreaker: {
    readonly enabled: boolean;
    readonly limit: string;
    readonly triggered: boolean;
  } | null;
  readonly schema: SchemaState;
  readonly indexes: readonly IndexState[];
}

export interface OracleInspection {
  readonly kind: 'oracle';
  readonly version: string | null;
  readonly characterSet: string | null;
  /** Null where the user may not see the server's parameters. */
  readonly vectorMemoryBytes: number | null;
  readonly privileges: readonly string[];
  readonly schema: SchemaState;
}

export interface MemoryInspection {
  readonly kind: 'memory';
}

export type Inspection = PostgresInspection | OpenSearchInspection | OracleInspection | MemoryInspection;

/** How a server answers both legs of a query: its own plan, a line each. */
export interface QueryPlans {
  readonly vector: readonly string[];
  readonly keyword: readonly string[];
}

export interface PlanQuery {
  readonly text: string;
  readonly vector: Float32Array;
}

/** Looks into the backend of an open store. */
export interface Inspector {
  inspect(options?: CallOptions): Promise<Inspection>;
  /** Null where the server has no plans to show. */
  plans(collection: string, query: PlanQuery, options?: CallOptions): Promise<QueryPlans | null>;
  close(): Promise<void>;
}

/** Looks into a backend that no store may have been opened on, and that may be unfit for one. */
export interface Probe {
  inspect(options?: CallOptions): Promise<Inspection>;
  /** What Plumbline has to be allowed, tried under that name, which nothing has, and undone. */
  permissions(scratch: string, options?: CallOptions): Promise<Readonly<Record<string, Permission>>>;
  close(): Promise<void>;
}
