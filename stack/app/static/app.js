// A form is sent once, however often its button is pressed.
document.addEventListener("submit", (event) => {
  for (const button of event.target.querySelectorAll("button")) { button.disabled = true; }
});
