from django.urls import path

from tests.monitoring.site import views

urlpatterns = [
    path("legacy/sync/<int:pk>/", views.sync),
    path("legacy/async/<int:pk>/", views.asynchronous),
    path("legacy/fails/<int:pk>/", views.fails),
    path("legacy/fails-async/<int:pk>/", views.fails_async),
    path("legacy/stream/<int:pk>/", views.stream),
    path("seen/", views.seen),
    path("api/mirrored/<int:pk>/", views.sync),
]
