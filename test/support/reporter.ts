/** The dot reporter, closed by one line for scripts: `N passed, N failed`. */
import Mocha from "mocha";

export default class CountingReporter extends Mocha.reporters.Dot {
  constructor(runner: Mocha.Runner, options: Mocha.MochaOptions) {
    super(runner, options);
    // The dot reporter subscribed first, so its summary and the failures stand above this line.
    runner.once("end", () => {
      const { passes = 0, failures = 0 } = runner.stats ?? {};
      console.log(`${passes} passed, ${failures} failed`);
    });
  }
}
