import type { table } from '../../config/table.ts';
import type { Provider } from '../../providers/provider.ts';
import type { Place } from '../options.ts';
import type { Io } from '../io.ts';

/** What a deployment is called and where it is; checked, and without anything secret. */
export interface Deployment {
  /** What is deployed: each is apart, with settings of its own. */
  service: 'login' | 'gateway';
  /** Of the site, worker or service. */
  name: string;
  /** AWS: what keeps the stack and the parameters of one login apart from those of another in the same account. */
  stage: string;
  /** Whether no earlier run is known to have made it: then what is there is somebody else's. */
  isNew: boolean;
  /** Whether what is there may be replaced. */
  replace: boolean;
  /** All Git hosts that what is deployed can be for. */
  providers: readonly Provider[];
  /** Origin of the CMS's own page, which nothing may be deployed over. */
  site: string | undefined;
  /** The address that the owner wants, if it is not the platform's own. */
  url: string | undefined;
  /** AWS: where; otherwise what its tools use. */
  region: string | undefined;
  /** Firebase: the project. */
  project: string | undefined;
  /** The folder with the built login, and with the platform's configuration. */
  folder: string;
}

/**
 * Somewhere that the login can run. What is particular about a platform is when its address is known and when its settings
 * reach the login.
 */
export interface Target {
  /** As people call it. */
  label: string;
  /** Where the settings go. */
  place: Place;
  /** What the owner needs there before anything begins. */
  needs: string;
  /** What `first` does, in words for a list of steps. */
  firstStep: string;
  /**
   * Makes the place and finds out its address: by deploying, where the platform tells the address only then.
   *
   * @returns the address, without a slash at the end
   * @throws Error in words
   */
  first(deployment: Deployment, io: Io): Promise<string>;
  /** What `last` does, in words; absent where the settings reach the login by themselves. */
  lastStep?: string;
  /**
   * Makes the login use its settings.
   *
   * @throws Error in words
   */
  last?(deployment: Deployment, io: Io): Promise<void>;
  /** How somebody starts it, in words, where nothing else does: then it cannot be asked whether it is ready. */
  startedByHand?(deployment: Deployment): string;
  /** The setting that holds the gateway's own address there, if it is not `CMS_AUTH_URL`. */
  gatewayUrl?: keyof typeof table;
  /** Why this command cannot deploy a gateway there, and what can. */
  withoutGateway?: string;
}
