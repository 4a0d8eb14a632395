import { element } from './element.js';

/** A bar that shows a share of something. Figures stand beside it: to screen readers it is not there. */
export function createBar() {
  const root = element('span', { class: 'bar', 'aria-hidden': 'true' }, element('span', { class: 'bar-fill' }));
  return {
    root,
    /**
     * @param {number} share 0 to 1
     * @param {'' | 'warn' | 'bad'} [tone]
     */
    set(share, tone = '') {
      root.style.setProperty('--share', String(Math.min(1, Math.max(0, share))));
      root.className = tone === '' ? 'bar' : `bar bar--${tone}`;
    },
  };
}
