/** The entry point of a log's thread. */
import { serveLog } from './serve-log-thread.ts';

serveLog();
