// One line for each step: ok or FAIL, seconds, what it shows.

let failed = 0;
let passed = 0;

export class StepFailed extends Error {}

let witness = async () => {};
/** Who looks at the scene of a failure before anything else happens there: `(name) => promise`. */
export function onFailure(look) {
  witness = look;
}

/** Runs one step. The rest of its chapter rests on it: a failure ends the chapter. */
export async function step(name, work, ms = 60_000) {
  const begun = Date.now();
  let timer;
  try {
    const value = await Promise.race([
      work(),
      new Promise((_, reject) => {
        timer = setTimeout(() => reject(new Error(`not done within ${ms} ms`)), ms);
      }),
    ]);
    passed += 1;
    say('ok  ', begun, name);
    return value;
  } catch (error) {
    failed += 1;
    say('FAIL', begun, name);
    console.log(String(error?.stack ?? error).replace(/^/gm, '        '));
    await witness(name).catch((problem) => console.log(`        nothing to be seen: ${problem.message}`));
    throw new StepFailed(name, { cause: error });
  } finally {
    clearTimeout(timer);
  }
}

/** As step(), but what follows does not rest on it. */
export async function check(name, work, ms) {
  try {
    await step(name, work, ms);
    return true;
  } catch (error) {
    if (error instanceof StepFailed) return false;
    throw error;
  }
}

export function say(word, begun, name) {
  console.log(`${word} ${((Date.now() - begun) / 1000).toFixed(1).padStart(6)} s  ${name}`);
}

export function results() {
  return { passed, failed };
}

/** Asks until `ask` gives something true; its last error or value is part of the refusal. */
export async function until(what, ask, ms = 15_000, pause = 50) {
  const end = Date.now() + ms;
  for (let last; ; ) {
    try {
      last = await ask();
      if (last) return last;
    } catch (error) {
      last = error;
    }
    if (Date.now() > end) throw new Error(`not within ${ms} ms: ${what} (last: ${last instanceof Error ? last.message : JSON.stringify(last)})`);
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
}

let counter = 0;
/** A text that nothing else of this run wrote. */
export function unique(text) {
  counter += 1;
  return `${text} ${Date.now().toString(36)}${counter}`;
}

export function uniqueId(prefix = 'e') {
  counter += 1;
  return `${prefix}-${Date.now().toString(36)}-${counter}`;
}
