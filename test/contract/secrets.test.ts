/** Settings in the Parameter Store on Lambda, from the source and as it is deployed. */
import { fromSource } from './secrets/instances.ts';
import { describeSecrets } from './secrets/suite.ts';
import { buildOnce, deployed } from './secrets/world.ts';

buildOnce();

describeSecrets('from the source', fromSource);
describeSecrets('as it is deployed', deployed);
