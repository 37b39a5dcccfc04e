// A slider shows the picture of its place; everything else on the page is plain HTML.
for (const box of document.querySelectorAll('.through')) {
  const frames = JSON.parse(box.querySelector('script').textContent);
  const [image, slider, output] = ['img', 'input', 'output'].map((tag) => box.querySelector(tag));
  const show = () => {
    const frame = frames[slider.value];
    image.src = frame.uri;
    image.alt = frame.alt;
    output.textContent = slider.ariaValueText = frame.label;
  };
  slider.addEventListener('input', show);
  show(); // a browser may remember where the slider was
}
