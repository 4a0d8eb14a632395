/** @import { PanelContext } from './panels.js' */
/** @import { Session } from './session.js' */
import { clusterGlance } from './cluster-glance.js';
import { element, fill, setText, svgElement } from './element.js';
import { formatDuration, formatMoment } from './format.js';
import { icon } from './icons.js';

const THEME_TITLES = {
  system: 'Colours as the system has them',
  light: 'Light colours',
  dark: 'Dark colours',
};

/**
 * What stands above all views: which node this is, how it and its cluster are, and whether the page is live.
 *
 * @param {HTMLElement} root
 * @param {PanelContext} context
 * @param {Session} session
 */
export function createHeader(root, { feed, theme, samples }, session) {
  const node = element('h1', { class: 'brand-node', text: 'FluxCache' });
  const version = element('span', { class: 'brand-version' });
  const health = element('span', { class: 'badge', role: 'status', hidden: true });
  const cluster = element('a', { class: 'badge', href: '#cluster', hidden: true });
  const uptime = element('span', { class: 'badge header-uptime', hidden: true });
  const link = createLinkState();
  const themeButton = element('button', {
    type: 'button',
    class: 'button button--icon',
    on: { click: () => theme.next() },
  });
  const user = element('span', { class: 'header-user muted' });
  const leave = element(
    'button',
    {
      type: 'button',
      class: 'button button--icon',
      title: 'Sign out',
      'aria-label': 'Sign out',
      hidden: true,
      on: {
        click: () => {
          session.leave();
          location.reload();
        },
      },
    },
    icon('leave'),
  );
  root.append(
    element('div', { class: 'brand' }, mark(), node, version),
    element('div', { class: 'header-states' }, health, cluster, uptime),
    element('div', { class: 'header-tools' }, link.root, user, themeButton, leave),
  );

  const paintTheme = () => {
    fill(themeButton, icon(theme.choice));
    themeButton.title = THEME_TITLES[theme.choice];
    themeButton.setAttribute('aria-label', THEME_TITLES[theme.choice]);
  };
  theme.onChange(paintTheme);
  paintTheme();

  feed.onState((state) => link.paint(state.kind));
  feed.on('hello', (hello) => {
    setText(node, hello.node);
    setText(version, `FluxCache ${hello.version}`);
    version.title = `${hello.engine}, Node.js ${hello.nodeVersion}`;
    document.title = `${hello.node} · FluxCache`;
    uptime.title = `Started ${formatMoment(hello.startedAtMs)}`;
    leave.hidden = !session.hasCredentials;
    setText(user, session.hasCredentials ? hello.user.name : '');
  });
  feed.on('health', ({ ready }) => {
    health.hidden = false;
    health.className = `badge badge--${ready ? 'ok' : 'bad'}`;
    fill(health, element('span', { class: `dot dot--${ready ? 'ok' : 'bad'}` }), ready ? 'Ready' : 'Not ready');
  });
  feed.on('cluster', ({ report }) => {
    const { tone, text } = clusterGlance(report);
    cluster.hidden = false;
    cluster.className = `badge badge--${tone}`;
    setText(cluster, text);
  });
  samples.onChange(() => {
    const startedAtMs = feed.last('hello')?.startedAtMs;
    const atMs = samples.latest?.atMs;
    if (startedAtMs === undefined || atMs === undefined) return;
    uptime.hidden = false;
    setText(uptime, `up ${formatDuration(Math.floor(Math.max(0, atMs - startedAtMs) / 1000) * 1000)}`);
  });
}

function createLinkState() {
  const dot = element('span', { class: 'dot' });
  const text = element('span');
  const root = element('span', { class: 'link-state', role: 'status' }, dot, text);
  return {
    root,
    /** @param {'connecting' | 'open' | 'lost'} kind */
    paint(kind) {
      document.body.dataset['link'] = kind;
      dot.className = `dot dot--${kind === 'open' ? 'live' : kind === 'lost' ? 'bad' : 'warn'}`;
      setText(text, kind === 'open' ? 'Live' : kind === 'lost' ? 'Disconnected' : 'Connecting');
    },
  };
}

function mark() {
  return svgElement(
    'svg',
    { class: 'brand-mark', viewBox: '0 0 32 32', 'aria-hidden': 'true' },
    svgElement('rect', { width: 32, height: 32, rx: 7, class: 'brand-ground' }),
    svgElement('path', { d: 'M7 21c4-9 6-9 9-4s5 4 9-6', class: 'brand-line' }),
  );
}
