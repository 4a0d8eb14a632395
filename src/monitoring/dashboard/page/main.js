/** @import { PanelContext, View } from './panels.js' */
import { Api } from './api.js';
import { element } from './element.js';
import { Feed } from './feed.js';
import { createHeader } from './header.js';
import { askForCredentials } from './login.js';
import { createNotices } from './notices.js';
import { views } from './panels.js';
import { SampleHistory } from './sample-history.js';
import { Session } from './session.js';
import { Theme } from './theme.js';
import { createTimeTools } from './time-tools.js';
import { TimeView } from './time-view.js';
import { Views } from './views.js';

const session = new Session(askForCredentials);
const feed = new Feed(session);
const samples = new SampleHistory();
const shown = new Views(find('tabs'), find('views'));

/** @type {PanelContext} */
const context = {
  feed,
  api: new Api(session),
  samples,
  time: new TimeView(),
  theme: new Theme(),
  open: (view) => shown.open(view),
};

createHeader(find('header'), context, session);
createTimeTools(find('time-tools'), context);
createNotices(find('notices'), context);
feed.on('history', (history) => samples.add(history));
feed.on('sample', (sample) => samples.add([sample]));

let isBuilt = false;
feed.on('hello', (hello) => {
  if (isBuilt) return;
  isBuilt = true;
  find('loading').remove();
  for (const view of views) if (view.isFor?.(hello) ?? true) build(view);
  shown.start();
});
await feed.run();

/** @param {View} view */
function build({ name, title, panels }) {
  const root = shown.add(name, title);
  for (const createPanel of panels) createPanel(root, context);
}

/** @param {string} id */
function find(id) {
  return document.getElementById(id) ?? element('div');
}
