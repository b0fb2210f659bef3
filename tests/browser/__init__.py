"""Browser: the pages in headless Chromium. They are driven from outside, as a person would."""
