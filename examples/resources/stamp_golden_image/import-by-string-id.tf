# In the provider's region. "web@eu-central-1" is one in another region, and "web@eu-central-1#OWNER" one of
# several of that name: the error says which owners there are.
import {
  to = stamp_golden_image.web
  id = "web"
}
