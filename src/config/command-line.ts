import { nearest } from '../base/nearest.ts';
import { flagOf, type OptionName, optionNames, options } from './options.ts';

/** What the server was told to do. */
export type Action = 'run' | 'help' | 'version' | 'check-config' | 'hash-password';

export interface CommandLine {
  readonly action: Action;
  /** The file named by `--config`. */
  readonly configPath: string | undefined;
  /** Options by flag, as written: text, true for a switch without a value, or a list. */
  readonly flags: ReadonlyMap<string, unknown>;
  readonly problems: readonly string[];
}

const actions: Readonly<Record<string, Action>> = {
  '--help': 'help',
  '-h': 'help',
  '--version': 'version',
  '-v': 'version',
  '--check-config': 'check-config',
  '--hash-password': 'hash-password',
};

export const actionDocs: readonly (readonly [string, string])[] = [
  ['--config FILE', 'Read options from a YAML or JSON file (also FLUXCACHE_CONFIG).'],
  ['--check-config', 'Print the effective configuration, secrets left out, and exit: 0 when it is right, 2 when not.'],
  ['--hash-password', 'Read a password from standard input, print its hash for a users file, and exit.'],
  ['-h, --help', 'Print this and exit.'],
  ['-v, --version', 'Print the version and exit.'],
];

const optionsByFlag = new Map<string, OptionName>(optionNames.map((name) => [flagOf(name), name]));

/** Reads `--flag value`, `--flag=value` and switches, which may stand alone. */
export function readCommandLine(args: readonly string[]): CommandLine {
  const flags = new Map<string, unknown>();
  const problems: string[] = [];
  let action: Action = 'run';
  let configPath: string | undefined;

  for (let i = 0; i < args.length; i++) {
    const arg = args[i] as string;
    const equals = arg.startsWith('--') ? arg.indexOf('=') : -1;
    const flag = equals < 0 ? arg : arg.slice(0, equals);
    const inline = equals < 0 ? undefined : arg.slice(equals + 1);

    const asked = Object.hasOwn(actions, flag) ? actions[flag] : undefined;
    if (asked !== undefined) {
      if (inline !== undefined) problems.push(`${flag} takes no value, but was given ${JSON.stringify(inline)}.`);
      // Help wins over whatever else is there.
      if (action !== 'help') action = asked;
      continue;
    }
    if (!flag.startsWith('-') || flag === '-' || flag === '--') {
      problems.push(`${JSON.stringify(arg)} is not an option; the server takes options only.`);
      continue;
    }
    const name = optionsByFlag.get(flag);
    if (name === undefined && flag !== '--config') {
      const near = nearest(flag, [...optionsByFlag.keys(), '--config', ...Object.keys(actions)]);
      problems.push(`${flag}: there is no such option.${near === undefined ? '' : ` Did you mean ${near}?`}`);
      // Its value, if it has one, is no second mistake.
      if (inline === undefined && args[i + 1]?.startsWith('-') === false) i++;
      continue;
    }
    if (name !== undefined && options[name].isSwitch) {
      // What follows and is no option can only be meant for its value.
      const hasValue = inline === undefined && args[i + 1]?.startsWith('-') === false;
      give(flag, name, hasValue ? (args[++i] as string) : (inline ?? true));
      continue;
    }
    const value = inline ?? args[++i];
    if (value === undefined || (inline === undefined && /^--[a-z]/.test(value))) {
      problems.push(
        `${flag} needs a value${name === undefined ? ': the path of a file' : `. Allowed: ${options[name].allowed}`}.`,
      );
      if (value !== undefined) i--;
    } else if (name === undefined) {
      if (configPath !== undefined) problems.push('--config is given twice.');
      configPath = value;
    } else {
      give(flag, name, value);
    }
  }
  return { action, configPath, flags, problems };

  function give(flag: string, name: OptionName, value: string | true): void {
    const before = flags.get(flag);
    if (before === undefined) flags.set(flag, value);
    else if (options[name].isList) flags.set(flag, `${String(before)},${String(value)}`);
    else problems.push(`${flag} is given twice.`);
  }
}
