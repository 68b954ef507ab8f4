# mk/page.mk - the two halves of the page that --html writes, between which the facts come (report/page.c): style, D3 and the scripts of
# report/page/. D3 is Debian's; its licence goes with it.
D3 := /usr/share/javascript/d3/d3.min.js
D3_LICENCE := /usr/share/doc/libjs-d3/copyright
PAGE_SCRIPTS := $(addprefix report/page/,facts.js charts.js timeline.js run.js explore.js page.js)
PAGE_OBJECTS := $(call obj,report/page.c,obj) $(call obj,report/page.c,asan)

$(D3) $(D3_LICENCE):
	$(error $@ is missing: install the Debian package libjs-d3 (make deps))

$(B)/gen/page_begin.html: report/page/begin.html report/page/page.css $(D3_LICENCE)
	@mkdir -p $(@D)
	$(Q){ cat report/page/begin.html && echo '<!--' && cat $(D3_LICENCE) && echo '-->' && echo '<style>' && cat report/page/page.css && \
	    echo '</style>' && printf '<script type="application/json" id="facts">'; } > $@

$(B)/gen/page_end.html: $(D3) $(PAGE_SCRIPTS)
	@mkdir -p $(@D)
	$(Q){ echo '</script>' && echo '<script>' && cat $(D3) && echo '</script>' && echo '<script>' && cat $(PAGE_SCRIPTS) && \
	    echo '</script>'; } > $@

$(PAGE_OBJECTS): CFLAGS += -Wa,-I$(B)/gen
$(PAGE_OBJECTS): $(B)/gen/page_begin.html $(B)/gen/page_end.html
