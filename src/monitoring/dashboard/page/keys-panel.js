/** @import { KeyName } from '../feed.ts' */
/** @import { PanelContext } from './panels.js' */
import { createCard } from './card.js';
import { element } from './element.js';
import { openCreateDialog } from './key-dialogs.js';
import { createKeySearch } from './key-search.js';
import { KeyStore } from './key-store.js';
import { addressOfKey, keyOfAddress } from './key-text.js';
import { createKeyView } from './key-view.js';

const view = 'keys';

/**
 * The key browser. What is open stands in the address, so that it can be linked to, and the browser's way back works.
 *
 * @param {HTMLElement} root
 * @param {PanelContext} context
 */
export function createKeysPanel(root, { feed, api, open }) {
  const { card, tools, body } = createCard(root, {
    title: 'Keys',
    note: 'of the whole cluster, as your user may see them',
    name: 'keys',
  });
  const store = new KeyStore(api);
  const mayWrite = () => feed.last('hello')?.user.rights.includes('write') ?? false;
  const search = createKeySearch(store, (name) => open(`${view}/${addressOfKey(name)}`));
  const keyView = createKeyView(store, {
    mayWrite,
    onGone: () => {
      search.again();
      open(view);
    },
    onBack: () => open(view),
  });
  if (feed.last('hello')?.isInCluster === false) card.querySelector('.card-note')?.replaceChildren();
  if (mayWrite()) {
    const onClick = () =>
      openCreateDialog(store, (name) => {
        search.again();
        open(`${view}/${addressOfKey(name)}`);
      });
    tools.append(
      element('button', { type: 'button', class: 'button button--small', text: 'New key', on: { click: onClick } }),
    );
  }
  const frame = element('div', { class: 'key-browser' }, search.root, keyView.root);
  body.append(frame);

  /** @param {KeyName | null} name */
  const show = (name) => {
    frame.classList.toggle('key-browser--open', name !== null);
    search.mark(name);
    if (name === null) keyView.close();
    else void keyView.open(name);
  };
  let hasSearched = false;
  const follow = () => {
    const [, asked = '', ...rest] = location.hash.split('/');
    if (location.hash.slice(1).split('/')[0] !== view) return;
    const address = [asked, ...rest].join('/');
    const pattern = address.startsWith('m:') ? decoded(address.slice(2)) : null;
    show(keyOfAddress(address));
    if (pattern !== null || !hasSearched) search.search(pattern ?? '');
    hasSearched = true;
  };
  addEventListener('hashchange', follow);
  follow();
}

/** @param {string} text */
function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    // A mangled link.
    return '';
  }
}
