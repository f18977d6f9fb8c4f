// Todos are ticked off at once; the server hears of it in the background.
document.addEventListener("submit", (event) => {
  const button = event.target.querySelector("button");
  if (button) { button.disabled = true; }
});
