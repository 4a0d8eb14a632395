import type { DashboardFrame, DashboardViewer } from './dashboard-port.ts';
import { UnsentStream } from './unsent-stream.ts';

/**
 * A dashboard that is open in a browser. While it does not take what it is sent, only the latest frame of those that
 * replace one another waits for it. One that is cut off comes back by itself.
 */
export class DashboardStream extends UnsentStream implements DashboardViewer {
  tell({ name, replaces, bytes }: DashboardFrame): void {
    this.write(bytes, replaces ? name : null);
  }
}
