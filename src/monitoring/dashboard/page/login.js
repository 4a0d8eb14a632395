import { element } from './element.js';

/**
 * Asks for a name and a password, in a dialog over the page.
 *
 * @param {boolean} wasRefused the ones before were not right
 * @returns {Promise<{name: string, password: string}>}
 */
export function askForCredentials(wasRefused) {
  const name = element('input', {
    class: 'input',
    id: 'login-name',
    name: 'username',
    autocomplete: 'username',
    value: 'default',
  });
  const password = element('input', {
    class: 'input',
    id: 'login-password',
    name: 'password',
    type: 'password',
    autocomplete: 'current-password',
  });
  const form = element(
    'form',
    { method: 'dialog', class: 'login' },
    element('h2', { text: 'Sign in' }),
    element('p', { class: 'muted', text: `${location.host} wants to know who you are.` }),
    wasRefused ? element('p', { class: 'login-error', role: 'alert', text: 'Name or password is not right.' }) : null,
    element('label', { for: 'login-name', text: 'User' }),
    name,
    element('label', { for: 'login-password', text: 'Password' }),
    password,
    element('button', { type: 'submit', class: 'button button--primary', text: 'Sign in' }),
  );
  const dialog = element('dialog', { class: 'dialog', 'aria-label': 'Sign in' }, form);
  document.body.append(dialog);
  dialog.showModal();
  password.focus();
  return new Promise((resolve) => {
    // There is nothing to see without signing in. A browser closes it at the second Escape, whatever it is told.
    dialog.addEventListener('cancel', (event) => event.preventDefault());
    dialog.addEventListener('close', () => {
      if (dialog.isConnected) dialog.showModal();
    });
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      dialog.remove();
      resolve({ name: name.value, password: password.value });
    });
  });
}
