/** Sends the form of the page. Not by its own `submit`, which a field of that name would replace. */
const form = document.querySelector("form");
if (form !== null) HTMLFormElement.prototype.submit.call(form);
