// page.js - draws the page of the facts' kind, with a list of its sections on top.
(facts.kind === 'run' ? runPage : explorePage)();
document.querySelector('main').firstChild.after(element('nav', {'aria-label': 'sections'},
    ...[...document.querySelectorAll('section')].map(part => element('a', {href: `#${part.id}`}, part.querySelector('h2').textContent))));
document.querySelector('main').append(element('footer', {}, 'Made by qmac; drawn with D3 (its licence is in this file). Nothing is fetched.'));
