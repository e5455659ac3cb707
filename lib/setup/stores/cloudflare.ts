import { commandLine, lastLines, runTool, tools } from '../tool.ts';
import { withoutSecrets, type Store, type Value } from '../values.ts';

/**
 * The secrets of a Cloudflare Worker, by Cloudflare's own tool, which is logged in. The settings that are not secret go the
 * same way: a deploy takes a Worker's other variables away, and never its secrets.
 *
 * @see https://developers.cloudflare.com/workers/wrangler/commands/#secret-bulk
 */
export function workerSecrets(folder: string, name: string | undefined, stopped: AbortSignal): Store {
  const worker = name === undefined ? [] : ['--name', name];
  return {
    place: "the Worker's secrets at Cloudflare",
    gatewayApart: true,
    async taken(entries) {
      const { code, output } = await runTool(tools.cloudflare, ['secret', 'list', '--format', 'json', ...worker], {
        folder,
        stopped,
      });
      // A Worker that is not there yet holds nothing.
      if (code !== 0 && /does not exist|not found|10007/i.test(output)) return [];
      if (code !== 0) throw new Error(`Cloudflare's tool does not tell what is there. It said:\n${lastLines(output)}`);
      const kept = namesIn(output);
      return entries.filter((entry) => kept.includes(entry.name)).map((entry) => entry.name);
    },
    async write(values) {
      const input = JSON.stringify(Object.fromEntries(values.map((value) => [value.name, value.value])));
      const { code, output } = await runTool(tools.cloudflare, ['secret', 'bulk', ...worker], {
        folder,
        stopped,
        input,
      });
      if (code !== 0) throw new Error(`Cloudflare did not take the values. Its tool said:\n${shown(output, values)}`);
      return [`Kept as secrets of the Worker: ${values.map((value) => value.name).join(', ')}. They count at once.`];
    },
    otherwise: `For each line of .env.setup, run "${commandLine(tools.cloudflare, ['secret', 'put', 'NAME', ...worker])}" with its name, and paste the value when asked.`,
  };
}

const shown = (output: string, values: readonly Value[]): string => withoutSecrets(lastLines(output), values);

/** The names in the list that the tool prints, which may have other lines around it. */
function namesIn(output: string): string[] {
  const [json = '[]'] = /\[[\s\S]*\]/.exec(output) ?? [];
  try {
    const list: unknown = JSON.parse(json);
    return Array.isArray(list)
      ? list.flatMap((one: { name?: unknown }) => (typeof one.name === 'string' ? one.name : []))
      : [];
  } catch {
    return [];
  }
}
