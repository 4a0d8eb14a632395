import type { AccessUser } from '../access/rights.ts';

/** The dashboard, as the HTTP front serves it. */
export interface DashboardPort {
  /** The page itself. */
  readonly page: PageFile;
  /** The files it consists of, by name. */
  readonly files: ReadonlyMap<string, PageFile>;
  /** Tells a viewer how the node is, and how it goes on, until the function that is returned is called. */
  open(viewer: DashboardViewer): () => void;
}

export interface PageFile {
  readonly contentType: string;
  /** Another integer, over 0, for other bytes. */
  readonly version: number;
  readonly bytes: Uint8Array;
}

/** Who looks at a dashboard. */
export interface DashboardViewer {
  readonly user: AccessUser;
  tell(frame: DashboardFrame): void;
}

/** One server-sent event, made once for all who may see it. */
export interface DashboardFrame {
  readonly name: string;
  /** A viewer who has not been sent the frame of this name before need not be any more. */
  readonly replaces: boolean;
  /** Not to be written to. */
  readonly bytes: Uint8Array;
}
