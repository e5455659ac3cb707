import { fromSource } from '../contract/secrets/instances.ts';
import { describeSecrets } from '../contract/secrets/suite.ts';

// What is deployed is built from lines that are not changed.
describeSecrets('from the source', fromSource);
