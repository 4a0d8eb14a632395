/** @import { PanelContext } from './panels.js' */
import { element, fill } from './element.js';
import { sentence } from './format.js';

const LACKS_SHOWN = 4;

/**
 * What is to be read first, above the view: the page is cut off, the node is not ready, the cluster lacks something, the disk
 * takes nothing.
 *
 * @param {HTMLElement} root
 * @param {PanelContext} context
 */
export function createNotices(root, { feed }) {
  let timer = 0;
  let version = '';
  let isOtherVersion = false;
  const paint = () => {
    clearTimeout(timer);
    const { state } = feed;
    /** @type {HTMLElement[]} */
    const notices = [];
    if (state.kind === 'lost') {
      const seconds = Math.ceil((state.retryAtMs - Date.now()) / 1000);
      timer = setTimeout(paint, 1000);
      notices.push(
        notice(
          'bad',
          'Disconnected',
          `${sentence(state.reason)} What is shown is old. ${seconds > 0 ? `Trying again in ${seconds} s.` : 'Trying again…'}`,
          element('button', {
            type: 'button',
            class: 'button button--small',
            text: 'Try now',
            on: { click: () => feed.retry() },
          }),
        ),
      );
    }
    const { ready = true, reasons = [] } = feed.last('health') ?? {};
    if (reasons.length > 0 && state.kind === 'open') {
      const shown = reasons.slice(0, LACKS_SHOWN);
      const more = reasons.length - shown.length;
      const text = sentence(`${shown.join('; ')}${more > 0 ? `; and ${more} more` : ''}`);
      notices.push(notice(ready ? 'warn' : 'bad', ready ? 'Degraded' : 'Not ready', text));
    }
    if (isOtherVersion) {
      notices.push(
        notice(
          'warn',
          'Another version',
          'The node has been started anew with another version of FluxCache than this page is of.',
          element('button', {
            type: 'button',
            class: 'button button--small',
            text: 'Load the page anew',
            on: { click: () => location.reload() },
          }),
        ),
      );
    }
    fill(root, ...notices);
  };
  feed.onState(paint);
  feed.on('health', paint);
  feed.on('hello', (hello) => {
    version ||= hello.version;
    isOtherVersion = hello.version !== version;
    paint();
  });
}

/**
 * @param {'warn' | 'bad'} tone
 * @param {string} title
 * @param {string} text
 * @param {...Node} tools
 */
function notice(tone, title, text, ...tools) {
  return element(
    'div',
    { class: `notice notice--${tone}`, role: tone === 'bad' ? 'alert' : 'status' },
    element('strong', { text: title }),
    element('span', { class: 'notice-text', text }),
    ...tools,
  );
}
