/** @import { PanelContext } from './panels.js' */
import { element, fill } from './element.js';
import { icon } from './icons.js';
import { TimeView } from './time-view.js';

/**
 * Chooses how far charts look back, and whether they stand still.
 *
 * @param {HTMLElement} root
 * @param {PanelContext} context
 */
export function createTimeTools(root, { time, samples }) {
  const choices = TimeView.choices.map((minutes) => ({
    minutes,
    button: element('button', {
      type: 'button',
      text: `${minutes} min`,
      on: { click: () => time.show(minutes) },
    }),
  }));
  const pause = element('button', {
    type: 'button',
    class: 'button button--small pause',
    on: {
      click: () => {
        if (time.pausedAtMs !== null) time.resume();
        else if (samples.latest !== undefined) time.pause(samples.latest.atMs);
      },
    },
  });
  root.append(
    element(
      'div',
      { class: 'choice', role: 'group', 'aria-label': 'Time that charts show' },
      ...choices.map(({ button }) => button),
    ),
    pause,
  );
  const paint = () => {
    const isPaused = time.pausedAtMs !== null;
    for (const { minutes, button } of choices) {
      button.setAttribute('aria-pressed', String(minutes === time.minutes && time.spanMs === minutes * 60_000));
    }
    fill(pause, icon(isPaused ? 'play' : 'pause'), element('span', { text: isPaused ? 'Resume' : 'Pause' }));
    pause.title = isPaused ? 'Let charts go on' : 'Let charts stand still; drag over a chart to look closer';
    pause.setAttribute('aria-pressed', String(isPaused));
  };
  time.onChange(paint);
  paint();
}
