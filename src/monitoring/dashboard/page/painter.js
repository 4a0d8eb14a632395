/**
 * Makes the function that asks for a part of the page to be painted anew. It is painted at most once a frame, and only
 * while it is on screen: what a closed view or a hidden tab would show costs nothing, and is painted when it comes back.
 *
 * @param {Element} root what has to be on screen
 * @param {() => void} paint
 * @returns {() => void}
 */
export function painter(root, paint) {
  let isDirty = false;
  let isVisible = false;
  let frame = 0;
  const ask = () => {
    if (!isDirty || !isVisible || frame !== 0) return;
    frame = requestAnimationFrame(() => {
      frame = 0;
      isDirty = false;
      paint();
    });
  };
  new IntersectionObserver(
    (entries) => {
      isVisible = entries.at(-1)?.isIntersecting ?? false;
      ask();
    },
    { rootMargin: '200px' },
  ).observe(root);
  return () => {
    isDirty = true;
    ask();
  };
}
