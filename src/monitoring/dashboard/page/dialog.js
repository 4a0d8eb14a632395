import { element, fill } from './element.js';

/**
 * @typedef {object} DialogOptions
 * @property {string} title
 * @property {readonly (Node | string)[]} content
 * @property {string} action what the button says that does it
 * @property {boolean} [isDangerous]
 * @property {boolean} [isWide]
 * @property {() => Promise<string | null>} run does it, and says why it could not; null: it is done
 */

/**
 * Asks for something in front of the page. While it is done the button waits; what goes wrong is said in the dialog,
 * with all that was typed still there.
 *
 * @param {DialogOptions} options
 */
export function openDialog({ title, content, action, isDangerous = false, isWide = false, run }) {
  const fault = element('p', { class: 'dialog-fault', role: 'alert', hidden: true });
  const submit = element('button', {
    type: 'submit',
    class: isDangerous ? 'button button--danger' : 'button button--primary',
    text: action,
  });
  const cancel = element('button', { type: 'button', class: 'button', text: 'Cancel' });
  const form = element(
    'form',
    { class: 'dialog-form' },
    element('h2', { text: title }),
    ...content,
    fault,
    element('div', { class: 'dialog-buttons' }, cancel, submit),
  );
  const dialog = element('dialog', { class: isWide ? 'dialog dialog--wide' : 'dialog', 'aria-label': title }, form);
  cancel.addEventListener('click', () => dialog.close());
  dialog.addEventListener('close', () => dialog.remove());
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    if (submit.disabled) return;
    submit.disabled = true;
    const said = await faultOf(run);
    submit.disabled = false;
    if (said === null) dialog.close();
    fault.hidden = said === null;
    fill(fault, said);
  });
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

/**
 * A field with its label.
 *
 * @param {string} label
 * @param {HTMLElement} field
 * @param {string} [hint]
 */
export function labelled(label, field, hint = '') {
  return element(
    'label',
    { class: 'field' },
    element('span', { class: 'field-label', text: label }),
    field,
    hint === '' ? null : element('span', { class: 'field-hint', text: hint }),
  );
}

/** @param {() => Promise<string | null>} run */
async function faultOf(run) {
  try {
    return await run();
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
