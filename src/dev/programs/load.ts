/** Entry of its own in the build: the load generator as a process. Spec as JSON on stdin, result as JSON on stdout. */
import { runLoadWorker } from '../load/worker.ts';

await runLoadWorker();
