// What went wrong, in a line under the header.

const line = document.getElementById("fault");

/** Show an error of a request; null: it works again. */
export function fault(error) {
  line.hidden = !error;
  line.textContent = error ? `This page is out of date until the service answers again: ${error.message}` : "";
}
